"""Chapter 1: platforms, deployments, tool keys, invites and SCORM Cloud accounts."""
