"""Tell people of problems: by e-mail and by webhook, once when one begins and once when it ends."""
