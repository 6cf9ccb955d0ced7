# Check Prometheus alerting configuration
curl -s http://localhost:9090/api/v1/status/config | jq '.data.alerting'

# Check Alertmanager connectivity
curl -s http://localhost:9093/api/v1/status
