"""What commands share: options, where a run is, where it trains, how it ends."""
