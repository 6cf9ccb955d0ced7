# The workshop's addresses when `bellwether workshop mock`, `frontend` and `load` run on this machine.
# lint: shell. `FRONTEND_ADDRESS=<your frontend address>` redirects from a file called "your"; values stand in quotes.
FRONTEND_ADDRESS='http://127.0.0.1:9996'
BACKEND_ADDRESS='http://127.0.0.1:9998'
LOCUST_ADDRESS='http://127.0.0.1:8089'
PROJECT_ID='movie-guru'
MONITORING_ADDRESS='http://127.0.0.1:9999'
