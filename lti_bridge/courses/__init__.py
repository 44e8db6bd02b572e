"""Courses of SCORM Cloud: found, checked and imported, for picker, console and commands."""
