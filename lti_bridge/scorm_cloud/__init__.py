"""The door to SCORM Cloud: a requests client and its answers as values."""
