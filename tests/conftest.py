"""What all tests share: hypothesis without a stop-watch (a loaded machine is no failure)."""

from hypothesis import settings

settings.register_profile("home", deadline=None, print_blob=True)
settings.load_profile("home")
