"""Chapter 3: the SCORM Cloud registration of a launch, and its launch link."""
