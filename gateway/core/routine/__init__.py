"""The resident's routine as a summary: what a day was like, against the four weeks before it."""
