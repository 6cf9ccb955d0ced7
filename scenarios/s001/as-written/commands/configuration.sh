# Prometheus configuration
curl -s http://localhost:9090/api/v1/status/config | jq '.data.alerting'

# Alertmanager configuration
curl -s http://localhost:9093/api/v1/status | jq '.configYAML'
