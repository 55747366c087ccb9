"""A party's long-running node: it finds jobs in the job book, agrees to contracts, runs its part."""
