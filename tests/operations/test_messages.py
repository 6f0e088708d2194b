from django.conf import settings


def test_messages_stay_on_the_server_for_one_may_show_an_api_key():
    assert settings.MESSAGE_STORAGE == "django.contrib.messages.storage.session.SessionStorage"
