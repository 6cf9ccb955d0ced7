# Prometheus alert rules
curl -s http://localhost:9090/api/v1/rules | jq '.data.groups[] | select(.name=="websocket_alerts") | .rules[] | {name: .name, state: .state, health: .health}'

# Alert rule evaluation
curl -s http://localhost:9090/api/v1/query?query=up{job="websocket-app"}
