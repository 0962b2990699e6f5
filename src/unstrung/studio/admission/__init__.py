"""Who may enter the programme: cohorts with caps, and who sits in them."""
