"""Open-loop traffic: Locust users, the arrival schedule, the recorder and the process that runs them."""
