// The description of the interface, in Swagger's viewer.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, docExpansion: "list" });
