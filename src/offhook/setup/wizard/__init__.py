"""The guided path from three accounts to a number that is answered: one verified step at a time. Prints nothing."""
