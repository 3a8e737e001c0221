"""Where an authority keeps its ledger and its repository; chosen by URI."""
