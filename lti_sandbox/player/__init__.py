"""The player: opens a launch link, plays one SCO, and turns what it reports into progress."""
