"""The console's pages of SCORM Cloud accounts."""
