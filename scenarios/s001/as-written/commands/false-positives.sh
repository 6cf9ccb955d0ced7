# Check current metric values
curl -s http://localhost:9090/api/v1/query?query=app_active_connections

# Review alert rule expressions
cat docker/alert_rules.yml
