"""A provider of our own that speaks like Stripe and moves no money: for tests, demonstrations and rehearsals."""
