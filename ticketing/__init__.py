"""客服通: the customer service procedure of a real-estate developer, from the call to the money."""
