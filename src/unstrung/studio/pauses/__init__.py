"""The pause ladder: stopping a key, a person, a cohort or everybody, accountably and for a while."""
