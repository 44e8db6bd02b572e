"""Chapter 2, a learner arrives: login, launch, and off to SCORM Cloud."""
