"""Campaign files to begin with; `deep` and `quick` are those of campaigns/."""
