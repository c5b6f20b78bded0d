"""Questions asked of programmes and designs: what fits the facts, and what rests on assumptions."""
