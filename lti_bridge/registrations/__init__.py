"""Chapter 3, their seat: which SCORM Cloud registration is theirs, and its launch link."""
