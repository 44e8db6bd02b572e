"""What every chapter stands on: settings, database, time, signing, and the one way out."""
