# All active alerts
curl -s http://localhost:9093/api/v1/alerts | jq '.[] | {alertname: .labels.alertname, severity: .labels.severity, state: .status.state}'

# Critical alerts only
curl -s http://localhost:9093/api/v1/alerts | jq '[.[] | select(.labels.severity == "critical")]'

# Alert details
curl -s http://localhost:9093/api/v1/alerts | jq '.[] | {alertname: .labels.alertname, summary: .annotations.summary, description: .annotations.description}'
