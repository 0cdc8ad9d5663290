"""What the journal tells people: audit, reports, metrics. Reads only, through the journal's one door."""
