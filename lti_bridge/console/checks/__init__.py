"""The console's tests of what is connected, and what they found last."""
