"""What a contest promised cannot be changed: its list, its plays, its commitment; its probabilities sum to 1."""

from django.db import migrations

TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()
"""
PROMISE = """
CREATE FUNCTION fidelio_draw_promise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.commitment <> '' AND (OLD.commitment, OLD.sealed_seed) IS DISTINCT FROM (NEW.commitment, NEW.sealed_seed))
        OR (OLD.digest <> '' AND OLD.digest <> NEW.digest)
        OR (OLD.seed <> '' AND OLD.seed <> NEW.seed)
    THEN
        RAISE EXCEPTION 'what contest % published is never changed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_promise BEFORE UPDATE ON loyalty_draw
FOR EACH ROW EXECUTE FUNCTION fidelio_draw_promise();
"""
NO_PROMISE = "DROP TRIGGER keep_promise ON loyalty_draw; DROP FUNCTION fidelio_draw_promise()"
CHANCES = """
CREATE FUNCTION fidelio_draw_chances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    contest bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.draw_id ELSE NEW.draw_id END;
BEGIN
    IF EXISTS (SELECT FROM loyalty_draw WHERE id = contest AND kind = 'INSTANT_WIN')
        AND EXISTS (SELECT FROM loyalty_drawprize WHERE draw_id = contest)
        AND (SELECT sum(probability) <> 1 OR bool_or(probability IS NULL)
             FROM loyalty_drawprize WHERE draw_id = contest)
    THEN
        RAISE EXCEPTION 'the probabilities of contest % do not sum to 1', contest USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chances_sum_to_one AFTER INSERT OR UPDATE OF probability, draw_id OR DELETE
ON loyalty_drawprize DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION fidelio_draw_chances();
"""
NO_CHANCES = "DROP TRIGGER chances_sum_to_one ON loyalty_drawprize; DROP FUNCTION fidelio_draw_chances()"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0011_games")]

    operations = [
        *(
            migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER append_only ON {table}")
            for table in ("loyalty_drawline", "loyalty_drawplay")
        ),
        migrations.RunSQL(PROMISE, NO_PROMISE),
        migrations.RunSQL(CHANCES, NO_CHANCES),
    ]
