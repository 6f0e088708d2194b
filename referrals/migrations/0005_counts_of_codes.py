from django.db import migrations

COUNT = """
UPDATE referrals_referralcode AS code
SET invited = (SELECT count(*) FROM referrals_invitation AS sent WHERE sent.code_id = code.id),
    registered = (SELECT count(*) FROM referrals_referral AS came
                  WHERE came.code_id = code.id AND came.status <> 'REJECTED'),
    qualified = (SELECT count(*) FROM referrals_referral AS came
                 WHERE came.code_id = code.id AND came.status IN ('QUALIFIED', 'REWARDED')),
    rewarded = (SELECT count(*) FROM referrals_referral AS came
                WHERE came.code_id = code.id AND came.status = 'REWARDED')
"""


class Migration(migrations.Migration):
    """The codes of before are counted once; from then on each change counts its own."""

    dependencies = [("referrals", "0004_offers_reviews_and_payouts")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
