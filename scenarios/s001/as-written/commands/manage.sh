# Check alert status
./scripts/monitor.sh check-alerts

# Open Alertmanager UI
./scripts/monitor.sh alerts

# View alert details
curl -s http://localhost:9093/api/v1/alerts | jq '.'
