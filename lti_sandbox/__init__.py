"""A practice LMS, a practice SCORM Cloud and a player: honest stand-ins that speak real HTTP."""
