"""Reference replays: what the bundled sample gave when somebody last looked at it and found it good."""
