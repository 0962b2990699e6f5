"""Applications without an account, the criteria they are judged by, and the waitlist."""
