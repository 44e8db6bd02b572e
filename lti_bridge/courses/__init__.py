"""Courses of SCORM Cloud: search, check and import, shared by picker, console and commands."""
