"""The demo: a real grocery chain's year under invented names, and what a newcomer finds on top of it."""
