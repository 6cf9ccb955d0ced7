  FRONTEND_ADDRESS=<your frontend address>
  BACKEND_ADDRESS=<your backend address>
  LOCUST_ADDRESS=<your locust address>
  PROJECT_ID=<your project id>
