"""What differs between runs: pure rules, for who asks a server (`client/comparison`) and for the pages."""
