"""What every page needs: its frame and headers, its words, its token, and a way to say no."""
