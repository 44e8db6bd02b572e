"""Sign-in to the console: passwords, sessions, throttling."""
