"""A practice LMS, a practice SCORM Cloud and a player, for tests and demos over real HTTP."""
