"""Chapter 3, their registration: which SCORM Cloud registration is theirs, and its launch link."""
