"""Statistics: facts without people, collected from the store, and the questions that managers ask of them."""
