"""The player: opens a launch link, plays SCOs, and turns their reports into progress."""
