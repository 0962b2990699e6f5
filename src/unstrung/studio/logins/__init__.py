"""Ways into an account: passkeys, e-mail links, and issuers elsewhere."""
