"""Chapter 2: the login, the verified launch, and the redirect to the player."""
