"""What exists: participants, responses, tariffs, contract terms, evidence, programmes. Frozen data, no solver."""
