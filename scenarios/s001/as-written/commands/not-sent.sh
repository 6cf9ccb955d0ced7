# Check Alertmanager logs
./scripts/monitor.sh logs alertmanager

# Check notification configuration
curl -s http://localhost:9093/api/v1/status | jq '.configYAML'
