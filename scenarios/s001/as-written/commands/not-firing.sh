# Check Prometheus alert rules
curl -s http://localhost:9090/api/v1/rules | jq '.data.groups[] | select(.name=="websocket_alerts")'

# Check Alertmanager configuration
curl -s http://localhost:9093/api/v1/status | jq '.configYAML'

# Check metrics availability
curl -s http://localhost/metrics | grep app_active_connections
