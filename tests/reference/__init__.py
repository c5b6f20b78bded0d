"""Cases with an answer known on paper or in print."""
